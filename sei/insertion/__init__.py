"""What goes into which access unit, and how (SEI.md 2 and 3). Pure."""
