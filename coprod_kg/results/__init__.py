"""How an answer is written: formats, negotiation, tables; it never asks the store for one."""
