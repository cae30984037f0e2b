"""The state machine: the only folder that knows langgraph. Nodes are a few lines that call agents and tools."""
