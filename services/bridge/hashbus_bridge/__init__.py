"""The bridge: mirrors the site to the cloud collector and brings its commands home."""
