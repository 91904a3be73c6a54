"""The roll-up: samples and daily reports become machine-days."""
