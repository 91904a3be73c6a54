"""Every door: HTTP, portal pages, the command line; database, settings, wiring."""
