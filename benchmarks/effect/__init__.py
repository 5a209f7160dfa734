"""Does training on the right answers do anything that training on other people's answers does not?"""
