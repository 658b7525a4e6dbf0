"""The fault matrix: runs of container hosts in which every host meets a fault of its own. See ../README.md."""
