"""For all tests: what is drawn at random is drawn anew at every run, and always the same where a change is judged."""

import os

from hypothesis import settings

settings.register_profile("CI", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("CI")
