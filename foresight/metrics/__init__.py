"""Figures of merit that know no benchmark: of pictures, of distributions, of representations, and their intervals."""
