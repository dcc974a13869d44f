"""What the parts of Foresight are trained to minimise, one file each."""
