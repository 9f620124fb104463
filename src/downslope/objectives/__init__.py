"""What is minimised: functions, formulas, named problems, and where their gradients come from."""
