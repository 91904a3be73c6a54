"""The exhibit `docs/exhibits/three-doors.md`: one obligor asked by a bank, an insurer and itself."""
