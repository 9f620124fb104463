"""The loops: the same semantics and the same record, eager or compiled."""
