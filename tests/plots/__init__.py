"""Pictures, looked at: the artists, their data, words and limits; and a few as a whole."""
