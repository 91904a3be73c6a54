"""Models of any table: the columns are a lender's own, not the catalogue's."""
