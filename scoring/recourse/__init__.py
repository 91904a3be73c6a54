"""What a manufacturer can do about a decision: levers on its history, the cheapest plans, and offers that are kept."""
