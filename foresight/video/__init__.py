"""A user's video, from a file, a folder or a camera, as the frames that a world model is given."""
