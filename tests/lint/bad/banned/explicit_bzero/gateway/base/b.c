int b(void);
int b(void)
{
	char secret[8];

	explicit_bzero(secret, sizeof(secret));
	return 0;
}
