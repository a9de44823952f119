package com.example.app;

import jakarta.servlet.http.HttpServletRequest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.registration.ClientRegistrations;
import org.springframework.security.oauth2.client.registration.InMemoryClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.util.matcher.RequestMatcher;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;

/** Spring Security's own login and logout; nothing is made easier for Signet. */
@Configuration
class Security {

  static final String ERROR = "error";

  @Bean
  ClientRegistrationRepository registrations() {
    ClientRegistration signet = ClientRegistrations.fromIssuerLocation(System.getenv("ISSUER"))
        .registrationId("signet")
        .clientId(System.getenv("CLIENT_ID"))
        .clientSecret(System.getenv("CLIENT_SECRET"))
        .redirectUri(System.getenv("BASE") + "/callback")
        .scope(System.getenv("SCOPE").split(" "))
        .build();
    return new InMemoryClientRegistrationRepository(signet);
  }

  @Bean
  SecurityFilterChain chain(HttpSecurity http, ClientRegistrationRepository registrations) throws Exception {
    OidcClientInitiatedLogoutSuccessHandler end = new OidcClientInitiatedLogoutSuccessHandler(registrations);
    end.setPostLogoutRedirectUri(System.getenv("BASE") + "/");
    return http
        .authorizeHttpRequests(r -> r.anyRequest().permitAll())
        .oauth2Login(o -> o
            .loginPage("/login")
            .authorizationEndpoint(a -> a.authorizationRequestResolver(resolver(registrations)))
            .loginProcessingUrl("/callback")
            .defaultSuccessUrl("/", true)
            .failureHandler((request, response, failure) -> {
              String code = failure instanceof OAuth2AuthenticationException e ? e.getError().getErrorCode() : failure.getMessage();
              request.getSession().setAttribute(ERROR, code);
              response.sendRedirect("/");
            }))
        .logout(l -> l.logoutRequestMatcher(get("/logout")).logoutSuccessHandler(end))
        .build();
  }

  /** A request with PKCE, and with the parameters that the test asked for. */
  private static DefaultOAuth2AuthorizationRequestResolver resolver(ClientRegistrationRepository registrations) {
    DefaultOAuth2AuthorizationRequestResolver resolver =
        new DefaultOAuth2AuthorizationRequestResolver(registrations, "/oauth2/authorization");
    resolver.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce()
        .andThen(b -> b.additionalParameters(all -> request().getParameterMap().forEach((name, values) -> all.put(name, values[0])))));
    return resolver;
  }

  private static HttpServletRequest request() {
    return ((ServletRequestAttributes) RequestContextHolder.currentRequestAttributes()).getRequest();
  }

  private static RequestMatcher get(String path) {
    return request -> request.getMethod().equals("GET") && request.getServletPath().equals(path);
  }
}
