"""Commands of the group nodedev: Node Device."""
