"""Facts -> words and pictures: numbers are computed elsewhere, words live in templates."""
