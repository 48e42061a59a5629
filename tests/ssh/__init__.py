"""SSH: the connection, who may use it, and what is told when it cannot be had."""
