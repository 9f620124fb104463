"""A Python function of one's own, which the page cannot know."""


def steep(x, y):
    return (x - 0.5) ** 2 + 3.0 * (y + 1.0) ** 2
