"""What an operator does to a home: keep its lists, move its database, look after its health, serve it."""
