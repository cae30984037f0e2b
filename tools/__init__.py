"""What agents may call: draw, cut out, finish. Peers of storage and prompts; they know none of them."""
