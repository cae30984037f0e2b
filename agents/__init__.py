"""One file is one agent is one function of data and an `Llm`. No graph, torch, SQL or web."""
