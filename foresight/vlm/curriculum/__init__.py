"""What only the small vision-language model of the embedded world is trained with."""
