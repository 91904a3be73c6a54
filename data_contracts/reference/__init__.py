"""Reference data: the loader of dated parameters, units, calendars and GB/T 4754 divisions."""
