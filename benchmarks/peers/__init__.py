"""What a good engineer would write without downslope: the same descents by hand in other tools."""
