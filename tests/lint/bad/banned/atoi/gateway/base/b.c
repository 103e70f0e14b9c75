int b(void);
int b(void)
{
	return (int)atoi (0);
}
