"""Where live streams go: players over HTTP, onward by RTMP, files."""
