"""Who a caller is: tokens, their signatures, the secret behind them."""
