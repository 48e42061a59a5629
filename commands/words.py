"""Lists in one word, as several commands take them."""


def split_list(text: str) -> "list[str]":
    """The words between commas; two commas stand for one that belongs to a word."""
    first, *rest = text.split(",")
    words = [first]
    joining = False
    for part in rest:
        if joining:
            words[-1] += "," + part
            joining = False
        elif part:
            words.append(part)
        else:
            joining = True
    return [*words, ""] if joining else words
