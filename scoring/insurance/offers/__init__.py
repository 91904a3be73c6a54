"""Quotes of the covers beside equipment cover, each with a model of its own and a tariff as filed."""
