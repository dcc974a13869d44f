"""Does verification make up for a smaller model?"""
