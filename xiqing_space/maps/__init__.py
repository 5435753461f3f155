"""Pages that open without a network. Draw and write; never compute a figure, never read a raw layer."""


def draw_action02(*args):
    pass


def draw_index(*args):
    pass
