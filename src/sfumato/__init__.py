"""Deep learning whose every gradient is derived by hand."""

__all__: list[str] = []
