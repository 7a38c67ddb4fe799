"""Questions that curators submit: looked over, kept, given back; it asks none of them."""
