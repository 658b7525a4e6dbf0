class InstallError(Exception):
    """What the real program prints as an error and ends with exit 1."""
