"""Features on public data of machines that others recorded."""
