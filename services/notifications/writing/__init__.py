"""How a letter is made: words, twins, envelope and calendar. Plain values in, plain values out."""
