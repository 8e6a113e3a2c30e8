"""Control over style transfer: whose colours, and which style goes where."""
