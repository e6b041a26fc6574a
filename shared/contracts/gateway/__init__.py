"""What the gateway answers by itself to who is signed in: who is here, and who types."""
