"""The embedded stack: everything the pipeline talks to, on this machine, with nothing to install."""
