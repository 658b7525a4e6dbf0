"""Container hosts for tests: systemd and the real cloud-init in namespaces, on overlays of one root file system."""
