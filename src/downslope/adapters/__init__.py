"""The way from downslope to its neighbours: our methods in the forms that other libraries' loops drive.

`downslope.torch` is the other one; it stands by itself so that its names are imported as torch's are.
"""
