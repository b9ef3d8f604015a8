"""Any ResNet checkpoint in, our network out."""
