"""What we conclude: probability of default, premiums, limits, prices, decisions and their reasons."""
