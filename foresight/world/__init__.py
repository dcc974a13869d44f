"""What a world model is made of: where its parts are, and how one is put together from models on disk."""
