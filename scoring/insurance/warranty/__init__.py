"""Extended warranty: how often parts fail by hours worked, and what cover of them costs."""
