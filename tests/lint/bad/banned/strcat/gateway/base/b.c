int b(void);
int b(void)
{
	return (int)strcat (0);
}
