"""The studio: a page in the browser, served from this machine to the one person who sits at it."""
