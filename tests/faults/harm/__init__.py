"""What can befall a rig, one file for each kind of sufferer; each function does it once and returns when it is over."""
