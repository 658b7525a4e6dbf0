"""Stand-in for `cfy_manager` 7.0.4 and for the services it installs.

It behaves as the references say the real one does; every behaviour names its page and section
("cloudify.md §3.2", "gates.md §1"). Times are scaled down to seconds. For tests only.
"""
